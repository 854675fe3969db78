"""The shape of protocols whose tokens come from an authorization that somebody gives: in a browser, or by device code."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from callout.core.oauth2.authorization import AuthorizationResponse
from callout.core.oauth2.device import DeviceAuthorization
from callout.core.protocol import AuthenticationProtocol, Conversation, Flow, Moment
from callout.core.secret import Redactable, Secret

__all__ = ["Conversation", "Interactive"]


class Interactive(AuthenticationProtocol):
    """A protocol that needs a person once. Its `obtain` replaces a token that was authorized, and gets no first one."""

    interactive: ClassVar[bool] = True

    @abstractmethod
    def authorization_request(
        self, *, redirect_uri: str, state: Secret, code_verifier: Secret
    ) -> Conversation[Redactable]:
        """Return where the browser goes. Raises `Refused`."""

    @abstractmethod
    def authorized(self, response: AuthorizationResponse) -> Conversation[Secret]:
        """Return the code that the browser came back with. Raises `Refused` where it is none that is to be used."""

    @abstractmethod
    def exchange(self, moment: Moment, code: Secret, *, redirect_uri: str, code_verifier: Secret) -> Flow:
        """Exchange what the browser came back with for a token."""

    @abstractmethod
    def device_authorization(self, moment: Moment) -> Conversation[DeviceAuthorization]:
        """Ask for a code that is entered on another device."""

    @abstractmethod
    def poll(self, moment: Moment, device_code: Secret) -> Flow:
        """Ask once whether that code was entered. Raises `TokenRefused`, also where it was not yet."""
