"""What the platform is for: one folder per domain, the same rooms in each."""
