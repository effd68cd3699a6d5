"""The visible training loop, its batches, and the record of every run."""
