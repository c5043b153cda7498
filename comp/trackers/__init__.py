"""Experiment trackers: TensorBoard, W&B, MLflow and Trackio. Each lives in a process of its own."""
