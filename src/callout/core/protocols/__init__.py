"""One authentication protocol a file; nothing else lives here. A new one is one file and one line of `ALL`."""

from callout.core.protocol import AuthenticationProtocol, Catalogue
from callout.core.protocols.api_key_in_query import ApiKeyInQuery
from callout.core.protocols.aws_roles_anywhere import AwsRolesAnywhere
from callout.core.protocols.aws_sigv4 import AwsSigV4
from callout.core.protocols.aws_sts import AwsSts
from callout.core.protocols.basic import Basic
from callout.core.protocols.custom import Custom
from callout.core.protocols.github_app import GitHubApp
from callout.core.protocols.http_message_signatures import HttpMessageSignatures
from callout.core.protocols.jwt import Jwt
from callout.core.protocols.none import NoAuthentication
from callout.core.protocols.oauth1 import OAuth1
from callout.core.protocols.oauth2_authorization_code import OAuth2AuthorizationCode
from callout.core.protocols.oauth2_client_credentials import OAuth2ClientCredentials
from callout.core.protocols.oauth2_jwt_bearer import OAuth2JwtBearer
from callout.core.protocols.oauth2_password import OAuth2Password
from callout.core.protocols.oauth2_refresh_token import OAuth2RefreshToken
from callout.core.protocols.oauth2_token_exchange import OAuth2TokenExchange

ALL: tuple[type[AuthenticationProtocol], ...] = (
    NoAuthentication,
    Basic,
    Custom,
    ApiKeyInQuery,
    OAuth2AuthorizationCode,
    OAuth2ClientCredentials,
    OAuth2JwtBearer,
    OAuth2Password,
    OAuth2RefreshToken,
    OAuth2TokenExchange,
    Jwt,
    AwsSigV4,
    AwsSts,
    AwsRolesAnywhere,
    OAuth1,
    HttpMessageSignatures,
    GitHubApp,
)

CATALOGUE: Catalogue = {protocol.name: protocol for protocol in ALL}
