"""Conversations: prompts, citations."""
