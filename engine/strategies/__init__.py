"""One idea a file. A strategy answers from the view and keeps nothing but its declared memory."""
