"""Predictions of files: of one file as one (`predictions`, `writers`), and of many as many.

Many files are the parts of one input. `parts` finds them and says where each one's predictions go, `folder` knows which
of them are there and whose they are, `part` predicts one, `worker` is a process that does so again and again, and
`crew` is all of these processes.
"""
