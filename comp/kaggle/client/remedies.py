"""What the user can do when Kaggle refuses a request."""

from __future__ import annotations

from comp.kaggle.client.credentials import HOW_TO_GET_CREDENTIALS, Credentials, find_credentials


def remedy(status: int, slug: str, credentials: Credentials) -> str:
    """What to do about a status; `slug` is the competition, or `<owner>/<slug>` of a data set."""
    name = slug.split("/")[-1] or "<competition>"
    if status == 401:
        others = [found.source for found in find_credentials()[1:]]
        hint = f" (they come before {', '.join(others)}: remove them)" if others else ""
        return (
            f"the credentials from {credentials.source} are not valid{hint}; "
            f"{HOW_TO_GET_CREDENTIALS}"
        )
    if status == 403 and "/" in slug:
        return (
            f"look at https://www.kaggle.com/datasets/{slug}: it may be private, or have "
            "terms that the account of these credentials must accept"
        )
    if status == 403:
        return (
            f"accept the rules at https://www.kaggle.com/competitions/{name}/rules with the "
            "account of these credentials; other causes are a mistyped name, and an "
            "account whose phone number is not verified"
        )
    if status == 404:
        return f"Kaggle has nothing named '{slug or name}': check the spelling"
    return "correct that and try again"


def kernel_remedies(owner: str, slug: str) -> dict[int, str]:
    """What to do about refusals to show a kernel, by status."""
    hint = (
        "Kaggle answers so for a kernel or version that is not there, and for one that is hidden "
        f"from this account: look at https://www.kaggle.com/code/{owner}/{slug}"
    )
    return {403: hint, 404: hint}
