"""What a case says and can hardly mean."""
