"""The addresses of the shop."""

from django.contrib import admin
from django.urls import path

from shop import views

urlpatterns = [
    path("", views.home),
    path("picture/", views.picture),
    path("story/", views.story),
    path("admin/", admin.site.urls),
]
