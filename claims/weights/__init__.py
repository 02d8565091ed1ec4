"""Claims on drawn tensors and what stands beside them: laws, pools, structure, independence, adapters."""
