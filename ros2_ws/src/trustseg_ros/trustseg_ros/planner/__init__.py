"""For a planner's own process: the guard of the verdict, and outputs of one frame together."""
