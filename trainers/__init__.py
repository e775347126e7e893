"""Self-training methods, one file each. They reach the harness through entry points only, as anybody's would."""
