"""What there is of processors and memory, and what each stage takes of it."""
