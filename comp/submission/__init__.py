"""Submissions: written in one stream, checked against the sample submission."""
