//! Open files and connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process have as many open as the system lets it ask for: each flow that waits holds a connection or two,
/// and the usual 1,024 are fewer than flows and callers may need together.
pub(crate) fn raise() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    let most = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, most) {
        tracing::warn!(
            %error,
            current,
            "the number of open files can't be raised; keep --workers and --connections below half of it"
        );
    }
}
