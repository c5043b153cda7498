"""Training of one fold: device, loss, optimizer, schedule, loop, checkpoints and time budget."""
