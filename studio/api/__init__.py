"""The HTTP interface under /api/v1: every pixel, mask and change of the studio goes through here."""

from studio.api.app import create_api

__all__ = ["create_api"]
