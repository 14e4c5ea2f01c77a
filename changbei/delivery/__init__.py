"""Today's lines and their recovery."""
