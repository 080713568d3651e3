"""Review: the stage on which a video's tracks are watched and corrected. Which video: the address says (?view=review&video=3)."""

from studio.pages.review_stage import ReviewStage


def build() -> ReviewStage:
    return ReviewStage(elem_id="review-stage")
