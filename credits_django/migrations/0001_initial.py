"""The permissions of the staff page; nothing is made in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """No table: the model is a name."""

    initial = True
    dependencies: list[tuple[str, str]] = []  # noqa: RUF012 - Django's form

    operations = [  # noqa: RUF012 - Django's form
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "user_id",
                    models.CharField(max_length=256, primary_key=True, serialize=False),
                ),
            ],
            options={
                "verbose_name": "account",
                "permissions": (
                    ("grant_credits", "Can grant credits"),
                    ("refund_credits", "Can refund charges"),
                ),
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
    ]
