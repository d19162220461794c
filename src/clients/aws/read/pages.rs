//! The one way through a listing: page after page, to its end or to a fault.

use crate::clients::aws::connect::Place;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::text::{Raw, Shown};

/// Pages of one listing. A larger one would take minutes of every round.
const MAX_PAGES: usize = 200;

/// The items of all pages of `action`, in their order. `ask` sends the request that a token leads to (`None` is the first
/// page) and gives the items of its page and the token of the next one.
///
/// # Errors
/// The [`Fault`] of the first page that failed; [`FaultKind::Malformed`] when a token comes twice in a row, because
/// following it would never end, and when the listing is longer than [`MAX_PAGES`].
pub(super) async fn pages<T, A>(
    place: &Place,
    action: &'static str,
    mut ask: impl FnMut(Option<String>) -> A,
) -> Result<Vec<T>, Fault>
where
    A: Future<Output = Result<(Vec<T>, Option<String>), Fault>>,
{
    let region = Raw::new(&place.region);
    let mut all = Vec::new();
    let mut token = None;
    for _ in 0..MAX_PAGES {
        let (items, next) = ask(token.clone()).await?;
        all.extend(items);
        // An empty token leads nowhere but to the first page: it is an end, too.
        let Some(next) = next.filter(|next| !next.is_empty()) else { return Ok(all) };
        if token.as_ref() == Some(&next) {
            return Err(Fault::new(
                FaultKind::Malformed,
                crate::shown!("{} in {} gives the same page again and again", action, region),
                Shown::fixed("look at the endpoint and what stands between"),
            ));
        }
        token = Some(next);
    }
    Err(Fault::new(
        FaultKind::Malformed,
        crate::shown!("{} in {} has more than {} pages", action, region, MAX_PAGES),
        Shown::fixed("nothing of it is shown, because it would not be all; split the account or the region"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { region: "eu-west-1".to_owned(), profile: None, endpoint_url: None }
    }

    /// A listing of `length` pages; the token is the number of the page, or always the same.
    async fn read(length: usize, stuck: bool) -> (Result<Vec<usize>, Fault>, usize) {
        let mut asked = 0;
        let place = place();
        let read = pages(&place, "rds:DescribeDBInstances", |token| {
            asked += 1;
            let page: usize = token.filter(|_| !stuck).map_or(asked - 1, |token| token.parse().unwrap());
            let next = match page + 1 {
                next if next == length => Some(String::new()).filter(|_| length.is_multiple_of(2)),
                _ if stuck => Some("again".to_owned()),
                next => Some(next.to_string()),
            };
            std::future::ready(Ok((vec![page], next)))
        });
        (read.await, asked)
    }

    #[tokio::test]
    async fn a_listing_is_read_to_its_end_or_fails() {
        for length in [1, 2, 3, MAX_PAGES] {
            let (read, asked) = read(length, false).await;
            assert_eq!((read, asked), (Ok((0..length).collect()), length));
        }
        let (longer, _) = read(MAX_PAGES + 1, false).await;
        assert!(longer.unwrap_err().what.as_str().contains("has more than 200 pages"));
        let (stuck, asked) = read(MAX_PAGES * 9, true).await;
        let fault = stuck.unwrap_err();
        assert_eq!((fault.kind, asked), (FaultKind::Malformed, 2), "{fault}");
    }
}
