"""What a credential looks like in a text of others: addresses, headers, settings, arguments, prefixes.

Every expression has bounded repeats, or ends with one that nothing follows: it takes time linear in its text
(:mod:`launcher.core.redaction`). None takes a line end away: lines are counted.
"""

from __future__ import annotations

import re

__all__ = ["HIDDEN", "SHAPES"]

HIDDEN = "***"

# In quotes, with blanks, commas and escaped quotes in it.
_QUOTED = r"(\")(?:[^\"\\\n]|\\.)+|(')(?:[^'\\\n]|\\.)+"
# What a value under a secret name may be: a text in quotes, also in JSON that is a text of JSON
# ({\"token\": \"x\"}); the first line of a YAML block; a word. `true` and `null` are none:
# automountServiceAccountToken: true must be seen.
_VALUE = (
    rf"(?:{_QUOTED}|(\\{{1,8}}[\"'])(?:[^\"\\\n]|\\{{1,8}}(?![\"'\\]))+|"
    r"([|>][+-]?[ \t]{0,9}\n[ \t]{1,99})[^\n]+|"
    r"(?!(?:true|false|null)(?:[\s\"',}\]\\]|$))(?:[^\s\"',}\]\\]|\\(?![\"']))+)"
)
# From the name to the value, or to a list of one.
_IS = r"(?:\\{0,8}[\"'])?[ \t]*[:=][ \t]*\[?"
_NAMES = (
    r"token|passw(?:or)?d|passphrase|secret|"
    r"(?:api|access|secret|private|encryption|signing|account|storage)[-_]?key|client-key-data"
)
_SCHEMES = r"bearer|basic|token|negotiate|ntlm|kerberos|apikey"
_WITH_ARGUMENTS = r"digest|hawk|oauth|aws4-hmac-sha256"

# Each matches within one line, but for the text of a YAML block.
SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # http://user:password@proxy:3128
    (re.compile(r"(://[^\s/:@\"']*:)[^\s/@\"']+@"), rf"\1{HIDDEN}@"),
    # the same with any of `@/:` in the password, or with escaped slashes; not the port of
    # oci://registry:5000/chart@sha256:..., nor that of an IPv6 address
    (
        re.compile(r"(:(?://|\\/\\/)[^\s/:@\"'\[]*:)(?!\d{1,5}(?:[/\"'?#]|$))[^\s\"']{1,256}@"),
        rf"\1{HIDDEN}@",
    ),
    # Authorization: Basic abc; Proxy-Authorization: Digest username="x", response="abc"
    (
        re.compile(
            r"(?i)\b(authorization(?:\\{0,8}[\"'])?[ \t]*[:=][ \t]*(?:[\[b]{0,2}\\{0,8}[\"'])?)"
            rf"(?:(?:{_WITH_ARGUMENTS})[ \t]+[^\n]+|(?:(?:{_SCHEMES})[ \t]+)?[^\s\"',}}\\]+)"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)\b((?:set-)?cookie[\"']?[ \t]*:[ \t]*[\"']?)[^\s\"'][^\n\"']*"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer)[ \t]+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    # Basic bWU6Y2FuYXJ5; not 'basic training'
    (re.compile(r"(?i)\b(basic)[ \t]+(?:[A-Za-z0-9+/]{6,}={1,2}|[A-Za-z0-9+/]{16,})"), rf"\1 {HIDDEN}"),
    # eyJhbGciOi....eyJpc3MiOi....signature: a service account token; eyJhdXRocyI6...: a docker config
    (re.compile(r"\beyJ[A-Za-z0-9_+/=-]{8,}(?:\.[A-Za-z0-9_-]+)*"), HIDDEN),
    # {"auths": {"r.io": {"auth": "bWU6Y2FuYXJ5"}}}
    (re.compile(r"(\"auth\\{0,8}\"[ \t]*:[ \t]*\\{0,8}\")[^\"\\]+"), rf"\1{HIDDEN}"),
    # keys whose issuer gave them a prefix: AWS, GitHub, Hugging Face, GitLab, Slack, OpenAI, NVIDIA, Docker;
    # not the image sk-learn-trainer, nor a pod of that name: those have no upper case
    (
        re.compile(
            r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_\w{30,}|hf_[A-Za-z0-9]{20,}|github_pat_\w{22,}|"
            r"glpat-[\w-]{20,}|xox[abeoprs]-[\w-]{10,}|nvapi-[\w-]{20,}|dckr_[a-z]{3}_[\w-]{20,}|"
            r"sk-(?:[0-9a-f]{32}\b|(?=[\w-]{0,99}[A-Z])[\w-]{20,})|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,}|AIza[\w-]{35})"
        ),
        HIDDEN,
    ),
    # https://account.blob/x?sv=1&sig=abc, X-Amz-Signature=abc
    (re.compile(r"(?i)([?&](?:sig|(?:x-\w{1,9}-)?(?:signature|credential))=)[^\s&\"']+"), rf"\1{HIDDEN}"),
    # --token abc, --db-password "a b"; not `--token --verbose`
    (
        re.compile(
            rf"(?i)((?<![a-z0-9-])--[a-z0-9-]{{0,40}}(?:{_NAMES})[ \t]+)"
            rf"(?:{_QUOTED}|[^\s\"'-][^\s\"']*)"
        ),
        rf"\1\2\3{HIDDEN}",
    ),
    # DB_PASS=abc, MYSQL_PWD=abc; not OLDPWD=/root
    (re.compile(r"(?i)([a-z0-9][_-](?:pass|pwd)[\"']?[ \t]*=[ \t]*)[^\s,}]+"), rf"\1{HIDDEN}"),
    # password=abc, "api_key": "abc", HF_TOKEN: abc, PGPASSWORD=abc; not 'tokens: 512' of a language model
    (re.compile(rf"(?i)((?:{_NAMES}){_IS}){_VALUE}"), rf"\1\2\3\4\5{HIDDEN}"),
)
