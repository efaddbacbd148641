"""`GET /track/{id}`, `/tracks`, `/artists`, `/artists/{id}`: what is in the collection, as JSON.

The page of a track is `/tracks/{id}`: one address answers one media type, so that no cache mixes them.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from rapray.domain import TrackFilter
from rapray.serve.api import actions, cursor, views
from rapray.serve.api.body import JsonRoute
from rapray.serve.api.context import Backend, documented
from rapray.serve.api.fields import InAddress, Language, Name, Year
from rapray.serve.api.models import ArtistDetailBody, ArtistPage, TrackDetailBody, TrackPage
from rapray.serve.limits import MAX_ID, MAX_PAGE

router = APIRouter(route_class=JsonRoute, tags=["tracks"])
Id = Annotated[int, Path(ge=1, le=MAX_ID), InAddress]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE), InAddress]


@router.get(
    "/track/{track_id}",
    summary="Read a track",
    responses=documented("track_not_found", "validation_failed", "dependency_unavailable"),
)
async def read_track(track_id: Id, services: Backend) -> TrackDetailBody:
    """A track with its lyrics by section and every current analysis: measures, rhyme chains with their positions."""
    return views.track_detail(await actions.found_track(services, track_id))


@router.get(
    "/tracks",
    summary="List tracks",
    responses=documented("validation_failed", "cursor_invalid", "dependency_unavailable"),
)
async def list_tracks(
    services: Backend,
    *,
    artist: Annotated[Name | None, Query()] = None,
    year_from: Annotated[Year | None, Query(), InAddress] = None,
    year_to: Annotated[Year | None, Query(), InAddress] = None,
    language: Annotated[Language | None, Query()] = None,
    limit: Limit = 50,
    cursor_: Annotated[str | None, Query(alias="cursor", max_length=cursor.LONGEST)] = None,
) -> TrackPage:
    """Tracks in order of id. `next_cursor` continues the same list; it does not fit other filters."""
    filters = TrackFilter(artist, year_from, year_to, language)
    after_id = 0 if cursor_ is None else cursor.decode(cursor_, filters)
    found = await services.catalogue.list_tracks(filters, after_id, limit + 1)
    page = found[:limit]
    following = cursor.encode(page[-1].id, filters) if len(found) > limit else None
    return TrackPage(tracks=[views.track(t) for t in page], next_cursor=following)


@router.get(
    "/artists", summary="List artists", responses=documented("validation_failed", "dependency_unavailable")
)
async def list_artists(
    services: Backend, name: Annotated[Name | None, Query()] = None, limit: Limit = 50
) -> ArtistPage:
    """Artists whose name is like `name`, the best match first; the first by id where it is left out."""
    found = await services.catalogue.list_artists(name, limit)
    return ArtistPage(artists=[views.artist(a) for a in found])


@router.get(
    "/artists/{artist_id}",
    summary="Read an artist",
    responses=documented("artist_not_found", "validation_failed", "dependency_unavailable"),
)
async def read_artist(artist_id: Id, services: Backend) -> ArtistDetailBody:
    """An artist with the size of their vocabulary, counted now: up to 35,000 words are read for the answer."""
    return views.artist_detail(await actions.found_artist(services, artist_id))
