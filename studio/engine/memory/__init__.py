"""Memory: the plan, placement, sequential offload and int8 weights."""
