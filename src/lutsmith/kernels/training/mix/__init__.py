"""What soft connections read: the mean of the rows of the candidates, weighted by a softmax."""
