"""The platform's own routes; the project's urls.py puts them below api/v1/."""

from django.urls import path

from .views_annotations import AnnotationDetail, AnnotationList
from .views_bulk import BulkReviewList, BulkReviewUndo
from .views_export import ProjectExport
from .views_files import ItemImage, ItemOriginal, ItemPreview, ItemThumbnail
from .views_items import ArchiveList, ItemDetail, ItemFinish, ItemFlag, ItemList, ItemReopen
from .views_projects import LabelList, ProjectDetail, ProjectList
from .views_review import ItemWorkspace, ReviewQueue

app_name = "platform-api"

urlpatterns = [
    path("users/me/projects/", ProjectList.as_view(), name="projects"),
    path("users/me/projects/<str:uid>/", ProjectDetail.as_view(), name="project"),
    path("users/me/projects/<str:uid>/labels/", LabelList.as_view(), name="labels"),
    path("projects/<str:uid>/items/", ItemList.as_view(), name="items"),
    path("projects/<str:uid>/archives/", ArchiveList.as_view(), name="archives"),
    path("projects/<str:uid>/review-queue/", ReviewQueue.as_view(), name="review-queue"),
    path("projects/<str:uid>/bulk-reviews/", BulkReviewList.as_view(), name="bulk-reviews"),
    path("projects/<str:uid>/export/", ProjectExport.as_view(), name="export"),
    path("items/<str:uid>/", ItemDetail.as_view(), name="item"),
    path("items/<str:uid>/image/", ItemImage.as_view(), name="item-image"),
    path("items/<str:uid>/preview/", ItemPreview.as_view(), name="item-preview"),
    path("items/<str:uid>/thumbnail/", ItemThumbnail.as_view(), name="item-thumbnail"),
    path("items/<str:uid>/original/", ItemOriginal.as_view(), name="item-original"),
    path("items/<str:uid>/workspace/", ItemWorkspace.as_view(), name="item-workspace"),
    path("items/<str:uid>/finish/", ItemFinish.as_view(), name="item-finish"),
    path("items/<str:uid>/reopen/", ItemReopen.as_view(), name="item-reopen"),
    path("items/<str:uid>/flag/", ItemFlag.as_view(), name="item-flag"),
    path("items/<str:uid>/annotations/", AnnotationList.as_view(), name="annotations"),
    path("bulk-reviews/<str:uid>/undo/", BulkReviewUndo.as_view(), name="bulk-review-undo"),
    path("annotations/<str:uid>/", AnnotationDetail.as_view(), name="annotation"),
]
