"""The files of a training run: checkpoint.pt, metrics.jsonl and TensorBoard events."""
