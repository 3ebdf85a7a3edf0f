//! The manners, in the runtime's time, which is paused: hours take none.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::task::JoinSet;

use super::*;

/// A host that notes when it was asked, and how many asked at the same time.
struct Site {
    url: Url,
    /// How long it takes to answer.
    takes: Duration,
    /// Whether it answers `429`, and its `Retry-After`.
    throttles: AtomicBool,
    retry_after: Option<Duration>,
    asked: Mutex<Vec<Instant>>,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Site {
    fn new(host: &str, takes: Duration) -> Arc<Self> {
        Arc::new(Self {
            url: Url::parse(&format!("http://{host}/")).unwrap(),
            takes,
            throttles: AtomicBool::new(false),
            retry_after: None,
            asked: Mutex::default(),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        })
    }

    fn throttling(host: &str, retry_after: Duration) -> Arc<Self> {
        let mut site = Self::new(host, Duration::from_millis(5));
        let inner = Arc::get_mut(&mut site).unwrap();
        inner.throttles = AtomicBool::new(true);
        inner.retry_after = Some(retry_after);
        site
    }

    async fn answer(&self) -> Result<(), Option<Duration>> {
        self.asked.lock().unwrap().push(Instant::now());
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(self.takes).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        if self.throttles.load(Ordering::SeqCst) {
            Err(self.retry_after)
        } else {
            Ok(())
        }
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// The most requests in any second.
    fn most_in_a_second(&self) -> usize {
        let asked = self.asked.lock().unwrap();
        let since = |first: &Instant| {
            let end = *first + Duration::from_secs(1);
            asked.iter().filter(|at| (*first..end).contains(at)).count()
        };
        asked.iter().map(since).max().unwrap_or_default()
    }
}

/// What became of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum End {
    Served,
    GaveUp,
}

/// One flow: it comes back when it is told to, for as long as it has patience with what is the host's doing.
async fn flow(
    origins: Origins,
    tenant: TenantId,
    site: Arc<Site>,
    bounces: Arc<AtomicUsize>,
) -> End {
    let began = Instant::now();
    loop {
        let (why, wait) = match origins.turn(&tenant, &site.url).await {
            Err(bounce) => {
                bounces.fetch_add(1, Ordering::SeqCst);
                (bounce.why, bounce.retry_after)
            }
            Ok(turn) => match site.answer().await {
                Ok(()) => {
                    turn.answered();
                    return End::Served;
                }
                Err(asked) => (Why::Rest, turn.throttled(asked)),
            },
        };
        if why == Why::Rest && began.elapsed() + wait > Duration::from_mins(15) {
            return End::GaveUp;
        }
        tokio::time::sleep(wait).await;
    }
}

/// Many flows of one site at once; what became of them, and how often one was sent away.
async fn flows(origins: &Origins, site: &Arc<Site>, number: usize) -> (Vec<End>, usize) {
    let bounces = Arc::new(AtomicUsize::new(0));
    let mut all = JoinSet::new();
    for _ in 0..number {
        let flow = flow(origins.clone(), tenant(), site.clone(), bounces.clone());
        all.spawn(flow);
    }
    let ends = all.join_all().await;
    (ends, bounces.load(Ordering::SeqCst))
}

fn tenant() -> TenantId {
    "tenant".parse().unwrap()
}

fn origins() -> Origins {
    Origins::new(OriginLimits::default())
}

/// It was asked 1,066 times a second, for up to a day.
#[tokio::test(start_paused = true)]
async fn a_host_that_refuses_ten_thousand_flows_is_asked_a_handful_of_times() {
    let site = Site::throttling("photos.test", Duration::ZERO);
    let (ends, bounces) = flows(&origins(), &site, 10_000).await;
    assert!(ends.iter().all(|end| *end == End::GaveUp));
    // Sixteen at once before the first refusal is known, and then one for each rest: 1, 2, 4 s and so on.
    assert!((16..=32).contains(&site.asked()), "{}", site.asked());
    let times = site.asked.lock().unwrap().clone();
    let rests: Vec<_> = times[16..]
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs())
        .collect();
    assert!(rests.is_sorted() || rests.last() >= Some(&240), "{rests:?}");
    // To be sent away costs a few writes, so it must not happen all the time.
    assert!(bounces < 10_000 * 15, "{bounces}");
}

#[tokio::test(start_paused = true)]
async fn a_host_is_left_alone_for_as_long_as_it_asked() {
    let asked = Duration::from_secs(90);
    let site = Site::throttling("photos.test", asked);
    let origins = origins();
    flows(&origins, &site, 500).await;
    let times = site.asked.lock().unwrap().clone();
    for pair in times[16..].windows(2) {
        assert!(pair[1] - pair[0] >= asked, "{:?}", pair[1] - pair[0]);
    }
    // Nobody is kept from a host for a year because it said so once.
    let site = Site::throttling("year.test", Duration::from_hours(365 * 24));
    let turn = origins.turn(&tenant(), &site.url).await.unwrap();
    let told = turn.throttled(site.retry_after);
    assert_eq!(Some(told), site.retry_after);
    let bounce = origins.turn(&tenant(), &site.url).await.unwrap_err();
    assert_eq!(bounce.why, Why::Rest);
    assert!(bounce.retry_after < Duration::from_mins(11), "{bounce:?}");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_has_recovered_serves_all_and_is_not_overrun() {
    let site = Site::throttling("photos.test", Duration::ZERO);
    let recovers = site.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_mins(2)).await;
        recovers.throttles.store(false, Ordering::SeqCst);
    });
    let (ends, _) = flows(&origins(), &site, 3_000).await;
    assert!(ends.iter().all(|end| *end == End::Served));
    assert!(site.asked() < 3_000 + 30, "{}", site.asked());
    assert!(
        site.most_in_a_second() <= 100,
        "{}",
        site.most_in_a_second()
    );
    assert!(site.most.load(Ordering::SeqCst) <= 16);
}

#[tokio::test(start_paused = true)]
async fn only_one_request_probes() {
    let site = Site::throttling("photos.test", Duration::ZERO);
    let origins = origins();
    let refused = origins.turn(&tenant(), &site.url).await.unwrap();
    let rest = refused.throttled(None);
    tokio::time::sleep(rest).await;
    let probe = origins.turn(&tenant(), &site.url).await.unwrap();
    for _ in 0..100 {
        let bounce = origins.turn(&tenant(), &site.url).await.unwrap_err();
        assert_eq!(bounce.why, Why::Rest);
    }
    // A probe that is given up tells nothing: another one goes.
    drop(probe);
    let probe = origins.turn(&tenant(), &site.url).await.unwrap();
    assert!(origins.turn(&tenant(), &site.url).await.is_err());
    // One that gets no answer is as good as refused.
    probe.failed();
    assert!(origins.turn(&tenant(), &site.url).await.is_err());
    tokio::time::sleep(Duration::from_secs(3)).await;
    origins.turn(&tenant(), &site.url).await.unwrap().answered();
    for _ in 0..3 {
        origins.turn(&tenant(), &site.url).await.unwrap().answered();
    }
}

#[tokio::test(start_paused = true)]
async fn rate_and_connections_are_kept() {
    for (connections, rate, takes) in [(16, 100, 5), (16, 100, 400), (3, 50, 200), (1, 1000, 10)] {
        let origins = Origins::new(OriginLimits {
            connections: connections.try_into().unwrap(),
            rate: rate.try_into().unwrap(),
        });
        let site = Site::new("photos.test", Duration::from_millis(takes));
        let (ends, bounces) = flows(&origins, &site, 1_000).await;
        assert!(ends.iter().all(|end| *end == End::Served));
        assert_eq!(site.asked(), 1_000);
        let most = site.most.load(Ordering::SeqCst);
        assert!(most <= connections, "{most} of {connections} connections");
        let most = site.most_in_a_second();
        assert!(most <= usize::try_from(rate).unwrap(), "{most} of {rate}");
        // They come back in turn, and not to be sent away again and again.
        assert!(bounces < 1_000 * 12, "{bounces} with {connections}, {rate}");
    }
}

/// A flow of another tenant waits as long as if there were few, and not for the end of a large batch.
#[tokio::test(start_paused = true)]
async fn a_tenant_with_many_flows_leaves_others_their_share_of_a_host() {
    for (takes, few) in [(5, 5), (400, 400), (30_000, 5)] {
        let origins = origins();
        let site = Site::new("photos.test", Duration::from_millis(takes));
        let quick = Site::new("photos.test", Duration::from_millis(few));
        let many = tokio::spawn({
            let (origins, site) = (origins.clone(), site.clone());
            async move { flows(&origins, &site, 10_000).await }
        });
        tokio::time::sleep(Duration::from_secs(5)).await;
        let other: TenantId = "other".parse().unwrap();
        for turn in 0..50 {
            let began = Instant::now();
            let bounces = Arc::default();
            let end = flow(origins.clone(), other.clone(), quick.clone(), bounces).await;
            assert_eq!(end, End::Served);
            // The first finds all turns of the next moment taken.
            let most = Duration::from_millis(if turn == 0 { 1_000 } else { 200 + few });
            assert!(began.elapsed() <= most, "{turn}: {:?}", began.elapsed());
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        assert!(!many.is_finished(), "there was nobody to leave a share");
        let most = site.most_in_a_second();
        assert!(most <= 100, "{most}");
        many.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn hosts_do_not_disturb_each_other() {
    let origins = origins();
    let bad = Site::throttling("bad.test", Duration::from_mins(5));
    let slow = Site::new("slow.test", Duration::from_mins(10));
    let spoilt = [bad.clone(), slow.clone()].map(|site| {
        let origins = origins.clone();
        tokio::spawn(async move { flows(&origins, &site, 1_000).await })
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    for host in [
        "good.test",
        "bad.test:8080",
        "www.bad.test",
        "bad.test.evil",
    ] {
        let site = Site::new(host, Duration::from_millis(5));
        let began = Instant::now();
        let (ends, bounces) = flows(&origins, &site, 10).await;
        assert_eq!((ends, bounces), (vec![End::Served; 10], 0), "{host}");
        assert!(began.elapsed() < Duration::from_secs(1), "{host}");
    }
    // The same host, however it is written.
    for url in ["http://BAD.test:80/other", "http://bad.test./?x"] {
        let url = Url::parse(url).unwrap();
        assert_eq!(
            origins.turn(&tenant(), &url).await.unwrap_err().why,
            Why::Rest
        );
    }
    for spoilt in spoilt {
        spoilt.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_is_bounded() {
    let origins = origins();
    for number in 0..MAX_HOSTS * 2 {
        let url = Url::parse(&format!("http://host-{number}.test/")).unwrap();
        let turn = origins.turn(&tenant(), &url).await.unwrap();
        // Half of them are idle from here on, the others rest.
        if number % 2 == 0 {
            turn.answered();
        } else {
            turn.throttled(Some(Duration::from_mins(9)));
        }
    }
    assert!(origins.hosts().len() <= MAX_HOSTS);
    // A name that is longer than names can be is not kept whole.
    let url = Url::parse(&format!("http://{}.test/", "a".repeat(60_000))).unwrap();
    let turn = origins.turn(&tenant(), &url).await.unwrap();
    assert!(turn.origin.host.len() <= MAX_HOST_CHARS);
}
