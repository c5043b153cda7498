"""A run as a folder that predicts without comp: `comp bundle`."""
