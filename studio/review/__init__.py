"""What a person sees of a video and what a person changes in it: predictions plus operations."""
