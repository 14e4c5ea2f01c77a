"""Conditions of a plan in the words of its readers: who signs a plan reads no expression language."""

from changbei.plans.speaking.phrases import Scope, say_answer, say_condition, say_value

__all__ = ["Scope", "say_answer", "say_condition", "say_value"]
