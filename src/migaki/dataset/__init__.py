"""Chats and texts to token ids and labels."""
