"""What is promised to whom: policy versions, and which of them holds."""
