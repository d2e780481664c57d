import ConfigurationEntries
import Cron
import Folding
import HTTP
import Primitives
import Queue
import State
import Stream

/// The content of the folded views.
struct Digest: Equatable {
    let queue: UInt64
    let state: UInt64
    let streams: UInt64
    let bound: UInt64
    let fired: UInt64
    let keyed: UInt64
    let configuration: UInt64
    let routes: UInt64
    let openFirings: [Offset]

    init(of views: Views) {
        queue = views.work.queue.digest()
        state = views.state.digest()
        streams = views.streams.digest()
        bound = views.work.bindings.digest()
        fired = views.work.reactions.digest()
        keyed = views.work.requests.digest()
        configuration = views.work.configuration.digest()
        routes = views.work.routes.digest()
        openFirings = views.work.cron.openFirings.map(\.offset)
    }
}
