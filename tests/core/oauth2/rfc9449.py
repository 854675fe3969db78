"""The examples of RFC 9449, typed in: https://www.rfc-editor.org/rfc/rfc9449."""

_HEADER = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRj"
    "QyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
)
#: Section 4.1, figure 2: a proof for the token endpoint.
TOKEN_PROOF = (
    f"{_HEADER}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2"
    "VuIiwiaWF0IjoxNTYyMjYyNjE2fQ."
    "2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
#: Section 4.1, figure 3: what it says.
TOKEN_PROOF_CLAIMS = {
    "jti": "-BwC3ESc6acc2lTc",
    "htm": "POST",
    "htu": "https://server.example.com/token",
    "iat": 1562262616,
}
#: Section 7.1, figures 12 and 13: the request of a protected resource, its token and what the proof says.
ACCESS_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
RESOURCE_PROOF = (
    f"{_HEADER}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90"
    "ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9."
    "2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
RESOURCE_PROOF_CLAIMS = {
    "jti": "e1j3V_bKic8-LAEB",
    "htm": "GET",
    "htu": "https://resource.example.org/protectedresource",
    "iat": 1562262618,
    "ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo",
}
#: Section 6.1: the thumbprint of the key in both.
JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
#: Section 8, figure 20: the authorization server wants a nonce.
TOKEN_NONCE = "eyJ7S_zG.eyJH0-Z.HX4w-7v"
TOKEN_CHALLENGE = (
    '{"error": "use_dpop_nonce", "error_description": "Authorization server requires nonce in DPoP proof"}'
)
#: Section 9, figure 22: the resource server wants one.
RESOURCE_CHALLENGE = 'DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof"'
