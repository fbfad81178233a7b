"""One module per on-disk format: read and write, nothing else."""
