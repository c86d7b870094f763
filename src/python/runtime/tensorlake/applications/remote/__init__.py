"""What concerns Tensorlake Cloud; only what makes sense without it."""
