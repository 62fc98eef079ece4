"""What makes two questions similar: pure, with numpy for the arithmetic."""
