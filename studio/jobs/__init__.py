"""Long work, done by a process of its own: importing videos, running models, writing exports."""
