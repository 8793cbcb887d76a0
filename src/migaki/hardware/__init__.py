"""What this machine is and what a run will need."""
