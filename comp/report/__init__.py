"""Tables, progress bars and pictures for the user."""
