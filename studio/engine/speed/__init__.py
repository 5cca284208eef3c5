"""Speed: execution options, tuning and its cache, CUDA graphs."""
