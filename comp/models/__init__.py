"""Networks for all competitions: timm backbones, their pretrained weights, and freezing."""
