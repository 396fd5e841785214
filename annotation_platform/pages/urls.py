"""The HTML pages. Their names have no namespace, because settings and the auto-label host refer to them."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from . import views
from .forms import SignInForm

sign_in = LoginView.as_view(form_class=SignInForm, redirect_authenticated_user=True)

urlpatterns = [
    path("sign-in/", sign_in, name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("", views.project_list, name="projects"),
    path("projects/new/", views.project_new, name="project-new"),
    path("projects/<str:uid>/", views.project, name="project"),
    path("projects/<str:uid>/review/next/", views.review_next, name="review-next"),
    path("items/<str:uid>/", views.item, name="item"),
]
