"""Explanations: which parts of an image a prediction depends on, by Grad-CAM and occlusion."""
