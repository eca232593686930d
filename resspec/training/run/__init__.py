"""The run folder: what is in it, who may write to it, and how a run resumes."""
