"""What intake knows about messages and inquiries, without HTTP, database, bus or clock."""
