"""What places share, copied to each of them; its gradient is the sum over the places."""
