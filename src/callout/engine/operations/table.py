"""The table. A row is one operation: the command line and the setup API have what is here, and nothing else.

Every row runs on the use cases `u`, the request `q` and the caller `c`.
"""
# ruff: noqa: ARG005 - every row takes the same three

from __future__ import annotations

from callout.engine import applying, credentials, grants, health, keys, people, status, troubleshoot, who_can
from callout.engine.operations import access_rows, callouts, own_secrets
from callout.engine.operations import requests as r
from callout.engine.operations.audit import AUDIT
from callout.engine.operations.certificates import CERTIFICATES
from callout.engine.operations.connections import CONNECTIONS
from callout.engine.operations.defining import DEFINING
from callout.engine.operations.groups import GROUPS
from callout.engine.operations.identity import IDENTITY
from callout.engine.operations.operation import Access, Operation
from callout.engine.operations.packages import PACKAGES
from callout.engine.operations.presets import PRESETS
from callout.engine.operations.preview import preview_of
from callout.engine.operations.refresh_rules import REFRESH_RULES
from callout.engine.operations.sending import SENDING
from callout.engine.operations.showing import SHOWING
from callout.engine.operations.sign_ins import SIGN_INS

_DEFINITIONS = (
    Operation(
        "plan",
        "POST",
        "/plan",
        r.Manifest,
        "Show what applying a manifest would change",
        lambda u, q, c: applying.plan(
            u.setup, q.manifest, q.source, q.references, prune=q.prune, namespace=c.namespace or q.namespace
        ),
        Access.ADMINISTRATOR_OR_PACKAGE,
    ),
    Operation(
        "apply",
        "POST",
        "/apply",
        r.Manifest,
        "Make the definitions as a manifest says",
        lambda u, q, c: applying.apply(
            u.setup, str(c), q.manifest, q.source, q.references, prune=q.prune, namespace=c.namespace or q.namespace
        ),
        Access.ADMINISTRATOR_OR_PACKAGE,
    ),
    Operation(
        "export",
        "GET",
        "/export",
        r.Nothing,
        "Write all definitions as a manifest",
        lambda u, q, c: applying.export(u.setup),
    ),
    Operation(
        "named_credential.list",
        "GET",
        "/named-credentials",
        r.Nothing,
        "List named credentials",
        lambda u, q, c: credentials.list_named_credentials(u.setup),
    ),
    Operation(
        "named_credential.enable",
        "POST",
        "/named-credentials/{name}/enable",
        r.Name,
        "Enable a named credential for callouts",
        lambda u, q, c: credentials.enable(u.setup, str(c), q.name, enabled=True),
    ),
    Operation(
        "named_credential.disable",
        "POST",
        "/named-credentials/{name}/disable",
        r.Name,
        "Disable a named credential for callouts",
        lambda u, q, c: credentials.enable(u.setup, str(c), q.name, enabled=False),
    ),
    Operation(
        "named_credential.allow_namespace",
        "PUT",
        "/named-credentials/{name}/allowed-namespaces/{namespace}",
        r.NamespaceOn,
        "Let the code of a package make callouts by this name",
        lambda u, q, c: credentials.allow_namespace(u.setup, str(c), q.name, q.namespace),
    ),
    Operation(
        "named_credential.disallow_namespace",
        "DELETE",
        "/named-credentials/{name}/allowed-namespaces/{namespace}",
        r.NamespaceOn,
        "Stop the code of a package from making callouts by this name",
        lambda u, q, c: credentials.disallow_namespace(u.setup, str(c), q.name, q.namespace),
    ),
    Operation(
        "named_credential.allow_method",
        "PUT",
        "/named-credentials/{name}/allowed-methods/{method}",
        r.MethodOn,
        "Add a method to those that a named credential allows",
        lambda u, q, c: credentials.allow_method(u.setup, str(c), q.name, q.method),
    ),
    Operation(
        "named_credential.allow_path",
        "POST",
        "/named-credentials/{name}/allow-path",
        r.PathOn,
        "Add a pattern to the paths that a named credential allows",
        lambda u, q, c: credentials.allow_path(u.setup, str(c), q.name, q.path),
    ),
    Operation(
        "named_credential.disallow_method",
        "DELETE",
        "/named-credentials/{name}/allowed-methods/{method}",
        r.MethodOn,
        "Take a method off those that a named credential allows",
        lambda u, q, c: credentials.disallow_method(u.setup, str(c), q.name, q.method),
    ),
    Operation(
        "named_credential.disallow_path",
        "POST",
        "/named-credentials/{name}/disallow-path",
        r.PathOn,
        "Take a pattern off the paths that a named credential allows",
        lambda u, q, c: credentials.disallow_path(u.setup, str(c), q.name, q.path),
    ),
    Operation(
        "named_credential.allow_replay",
        "PUT",
        "/named-credentials/{name}/replay-methods/{method}",
        r.MethodOn,
        "Declare that requests of a method may be sent again after a refresh",
        lambda u, q, c: credentials.allow_replay(u.setup, str(c), q.name, q.method),
    ),
    Operation(
        "external_credential.list",
        "GET",
        "/external-credentials",
        r.Nothing,
        "List external credentials and their principals",
        lambda u, q, c: credentials.list_external_credentials(u.setup),
    ),
    Operation(
        "external_credential.add_status_code",
        "POST",
        "/external-credentials/{name}/additional-status-codes",
        r.StatusCode,
        "Make a status a sign of stale credentials, beside 401",
        lambda u, q, c: credentials.add_status_code(u.setup, str(c), q.name, q.status),
    ),
    Operation(
        "external_credential.remove_status_code",
        "DELETE",
        "/external-credentials/{name}/additional-status-codes/{status}",
        r.StatusCode,
        "Take a status off the signs of stale credentials",
        lambda u, q, c: credentials.remove_status_code(u.setup, str(c), q.name, q.status),
    ),
)

_PRINCIPAL_PATH = "/external-credentials/{external_credential}/principals/{principal}"
_SECRETS_PATH = f"{_PRINCIPAL_PATH}/secrets"

_SECRETS = (
    Operation(
        "secret.set",
        "PUT",
        _SECRETS_PATH,
        r.Values,
        "Set secret values of a principal",
        own_secrets.set_values,
        Access.KNOWN,
    ),
    Operation(
        "secret.list",
        "GET",
        _SECRETS_PATH,
        r.Held,
        "List which secret values a principal has, by name",
        own_secrets.list_values,
        Access.KNOWN,
    ),
    Operation(
        "secret.remove",
        "DELETE",
        _SECRETS_PATH,
        r.HeldNames,
        "Remove secret values of a principal",
        own_secrets.remove_values,
        Access.KNOWN,
    ),
    Operation(
        "token.revoke",
        "POST",
        f"{_PRINCIPAL_PATH}/revoke",
        r.Held,
        "Revoke the token of a principal at its authorization server; its values stay",
        own_secrets.revoke_tokens,
        Access.KNOWN,
    ),
    Operation(
        "token.introspect",
        "POST",
        f"{_PRINCIPAL_PATH}/introspect",
        r.Held,
        "Ask the authorization server whether the token of a principal is active",
        own_secrets.introspect,
        Access.KNOWN,
    ),
)

_PEOPLE = (
    Operation("user.list", "GET", "/users", r.Nothing, "List users", lambda u, q, c: people.list_users(u.setup)),
    Operation(
        "user.set",
        "PUT",
        "/users/{name}",
        r.UserDefinition,
        "Define or change a user",
        lambda u, q, c: people.set_user(
            u.setup,
            str(c),
            q.name,
            profile=q.profile,
            permission_sets=q.permission_sets,
            permission_set_groups=q.permission_set_groups,
            active=q.active,
            label=q.label,
            kind=q.kind,
            email=q.email,
        ),
    ),
    Operation(
        "user.remove",
        "DELETE",
        "/users/{name}",
        r.Name,
        "Remove a user with their keys and secret values",
        lambda u, q, c: people.remove_user(u.setup, str(c), q.name),
    ),
    Operation("key.list", "GET", "/keys", r.KeysOf, "List keys", lambda u, q, c: keys.list_keys(u.setup, user=q.user)),
    Operation(
        "key.create",
        "POST",
        "/keys",
        r.KeyOf,
        "Make a key; its text is shown once",
        lambda u, q, c: keys.create_key(
            u.setup,
            str(c),
            q.user,
            namespace=q.namespace,
            label=q.label,
            expires=q.expires,
            named_credentials=q.named_credentials,
        ),
    ),
    Operation(
        "key.expire",
        "PATCH",
        "/keys/{prefix}",
        r.KeyEnd,
        "Give a key another end",
        lambda u, q, c: keys.expire_key(u.setup, str(c), q.prefix, q.expires),
    ),
    Operation(
        "key.revoke",
        "DELETE",
        "/keys/{prefix}",
        r.Prefix,
        "Revoke a key",
        lambda u, q, c: keys.revoke_key(u.setup, str(c), q.prefix),
    ),
)

_GRANTS = (
    Operation(
        "permission_set.list",
        "GET",
        "/permission-sets",
        r.Nothing,
        "List permission sets",
        lambda u, q, c: grants.list_permission_sets(u.setup),
    ),
    Operation(
        "permission_set.create",
        "POST",
        "/permission-sets",
        r.PermissionSetDefinition,
        "Make a permission set, or add to one, and assign it",
        lambda u, q, c: grants.create_permission_set(
            u.setup,
            str(c),
            q.name,
            principals=q.principals,
            object_permissions=q.user_external_credential,
            admin_permissions=q.admin_permissions,
            label=q.label,
            assign=q.assign,
            may_act_for=q.may_act_for,
        ),
    ),
    Operation(
        "permission_set.remove",
        "DELETE",
        "/permission-sets/{name}",
        r.Name,
        "Remove a permission set that nobody has",
        lambda u, q, c: grants.remove_permission_set(u.setup, str(c), q.name),
    ),
    Operation(
        "permission_set.assign",
        "PUT",
        "/permission-sets/{name}/users/{user}",
        r.NewAssignment,
        "Give a permission set to a user",
        lambda u, q, c: grants.assign_permission_set(u.setup, str(c), q.name, q.user, until=q.until, purpose=q.purpose),
    ),
    Operation(
        "permission_set.unassign",
        "DELETE",
        "/permission-sets/{name}/users/{user}",
        r.Assignment,
        "Take a permission set from a user",
        lambda u, q, c: grants.unassign_permission_set(u.setup, str(c), q.name, q.user),
    ),
    Operation(
        "permission_set.grant",
        "POST",
        "/permission-sets/{name}/grant",
        r.NewGrants,
        "Add grants to a permission set",
        lambda u, q, c: grants.grant(
            u.setup, str(c), "permission_sets", q.name, r.given(q), methods=q.methods, paths=q.paths
        ),
    ),
    Operation(
        "permission_set.revoke",
        "POST",
        "/permission-sets/{name}/revoke",
        r.Grants,
        "Take grants from a permission set",
        lambda u, q, c: grants.revoke(u.setup, str(c), "permission_sets", q.name, r.given(q)),
    ),
    Operation(
        "profile.list", "GET", "/profiles", r.Nothing, "List profiles", lambda u, q, c: grants.list_profiles(u.setup)
    ),
    Operation(
        "profile.create",
        "POST",
        "/profiles",
        r.ProfileDefinition,
        "Make a custom profile",
        lambda u, q, c: grants.create_profile(
            u.setup,
            str(c),
            q.name,
            principals=q.principals,
            object_permissions=q.user_external_credential,
            admin_permissions=q.admin_permissions,
            label=q.label,
        ),
    ),
    Operation(
        "profile.remove",
        "DELETE",
        "/profiles/{name}",
        r.Name,
        "Remove a custom profile that nobody has",
        lambda u, q, c: grants.remove_profile(u.setup, str(c), q.name),
    ),
    Operation(
        "profile.grant",
        "POST",
        "/profiles/{name}/grant",
        r.NewGrants,
        "Add grants to a profile",
        lambda u, q, c: grants.grant(u.setup, str(c), "profiles", q.name, r.given(q), methods=q.methods, paths=q.paths),
    ),
    Operation(
        "profile.revoke",
        "POST",
        "/profiles/{name}/revoke",
        r.Grants,
        "Take grants from a profile",
        lambda u, q, c: grants.revoke(u.setup, str(c), "profiles", q.name, r.given(q)),
    ),
)

_LOOKING = (
    Operation(
        "status",
        "GET",
        "/status",
        r.Nothing,
        "Show the health of every principal",
        lambda u, q, c: status.status(u.setup, u.recent),
    ),
    Operation(
        "health",
        "GET",
        "/health",
        r.HealthSince,
        "Show callouts, errors, refreshes and latency over time, and how every principal stands",
        lambda u, q, c: health.health(u.setup, u.audit, u.recent, q.since),
    ),
    Operation(
        "who_can",
        "GET",
        "/who-can/{name}",
        r.Name,
        "List who can make callouts by a name, and who nearly can",
        lambda u, q, c: who_can.who_can(u.setup, q.name),
    ),
    Operation(
        "can",
        "GET",
        "/can/{user}/{name}",
        r.Access,
        "Decide whether a user may make callouts by a name",
        callouts.can,
        Access.KNOWN,
    ),
    Operation(
        "troubleshoot",
        "GET",
        "/troubleshoot",
        r.Trouble,
        "Find out why recent callouts failed, and the change that mends each",
        lambda u, q, c: troubleshoot.troubleshoot(u.setup, u.recent, name=q.name, user=q.user),
    ),
    Operation("whoami", "GET", "/whoami", r.Nothing, "Say who you are", callouts.whoami, Access.KNOWN),
    Operation(
        "diagnose",
        "POST",
        "/diagnose",
        r.Question,
        "Decide about a callout and show its exact request, without sending it",
        callouts.diagnose,
        Access.KNOWN,
    ),
    Operation(
        "explain",
        "GET",
        "/callouts/{callout_id}",
        r.CalloutId,
        "Show the trace of a callout",
        callouts.explain,
        Access.KNOWN,
    ),
    Operation(
        "callout.log",
        "GET",
        "/callouts",
        r.CalloutsWanted,
        "List recent callouts, newest first",
        callouts.log,
        Access.KNOWN,
    ),
)

_ROWS: tuple[Operation, ...] = (
    *_DEFINITIONS,
    *DEFINING,
    *SHOWING,
    *PRESETS,
    *REFRESH_RULES,
    *CERTIFICATES,
    *_SECRETS,
    *CONNECTIONS,
    *_PEOPLE,
    *PACKAGES,
    *_GRANTS,
    *GROUPS,
    *access_rows.ROWS,
    *IDENTITY,
    *SIGN_INS,
    *_LOOKING,
    *SENDING,
    *AUDIT,
)
OPERATIONS = (*_ROWS, preview_of(_ROWS))
BY_NAME = {operation.name: operation for operation in OPERATIONS}
