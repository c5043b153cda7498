"""Alerts of a run: each has a code, evidence in numbers, a remedy, and a part of docs/report.md."""
