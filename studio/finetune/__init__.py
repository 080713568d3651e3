"""Fine-tuning as the studio does it: from the corrections of a project to a training set, and from a trained net to a model."""
