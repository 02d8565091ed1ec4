"""What do the draws say: keyed streams, mergeable sums, and always-valid decisions about the law of a sampler."""
