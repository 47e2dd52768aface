//! What the port promises, over every bus.

use std::borrow::Cow;
use std::time::Duration;

use application::ports::bus::{Group, Message, Receipt, Topic};

use crate::rig::{
    LONG, Tested, assert_ordered, join, message, messages, on_broker, publish_all, take_all,
    told_apart,
};
use crate::rig::{in_process, on_mock};

/// One test per bus for every named function.
macro_rules! on_every_bus {
    ($($test:ident),+ $(,)?) => {
        mod in_this_process {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() { super::$test(super::in_process()).await; })+
        }
        mod mock_cluster {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() { super::$test(super::on_mock()).await; })+
        }
        mod broker {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() { super::$test(super::on_broker().await).await; })+
        }
    };
}

on_every_bus!(
    everything_comes_in_its_keys_order_and_as_it_was,
    what_is_missing_is_not_empty,
    every_group_is_given_everything,
    what_is_not_done_comes_again,
    what_is_done_does_not_come_again,
    topics_do_not_mix,
    nothing_is_published_of_nothing,
);

async fn everything_comes_in_its_keys_order_and_as_it_was(tested: Tested) {
    let bus = tested.bus.as_ref();
    let all = messages(7, 40);
    // The group is there before anything is published.
    let mut first = join(bus, "a");
    let publishing = async {
        for batch in all.chunks(60) {
            publish_all(bus, batch).await;
        }
    };
    let taking = async {
        let mut came = Vec::new();
        while came.len() < all.len() {
            let received = tokio::time::timeout(LONG, first.next()).await;
            let received = received.expect("in time").expect("a message");
            came.push(told_apart(&received));
            first.done().await.expect("done");
        }
        came
    };
    let ((), came) = tokio::join!(publishing, taking);
    let again = assert_ordered(&came, 7, 40);
    assert_eq!(again, 0, "nothing went wrong, nothing comes twice");
}

/// What is put aside and published again later must be what it was.
async fn what_is_missing_is_not_empty(tested: Tested) {
    let bus = tested.bus.as_ref();
    let mut member = join(bus, "a");
    let all = [
        Message {
            key: None,
            headers: vec![("none".into(), None)],
            ..message(1, 1)
        },
        Message {
            key: Some(Vec::new()),
            headers: vec![("empty".into(), Some(Cow::default()))],
            ..message(1, 1)
        },
    ];
    for message in all {
        let next = async {
            let received = member.next().await.expect("a message");
            member.done().await.expect("done");
            received
        };
        let one = std::slice::from_ref(&message);
        let both = async { tokio::join!(next, publish_all(bus, one)) };
        let (received, ()) = tokio::time::timeout(LONG, both).await.expect("in time");
        assert_eq!(
            (received.key, received.headers),
            (message.key, message.headers)
        );
    }
}

async fn every_group_is_given_everything(tested: Tested) {
    let bus = tested.bus.as_ref();
    let all = messages(2, 5);
    // Both have joined before anything is published: they are polled in this order.
    let (mine, yours, ()) = tokio::join!(
        take_all(bus, "a", 2, 5),
        take_all(bus, "b", 2, 5),
        publish_all(bus, &all),
    );
    assert_ordered(&mine, 2, 5);
    assert_ordered(&yours, 2, 5);
}

async fn what_is_not_done_comes_again(tested: Tested) {
    let bus = tested.bus.as_ref();
    let all = messages(1, 3);
    let taking = async {
        let mut member = join(bus, "a");
        let first = member.next().await.expect("a message");
        member.done().await.expect("done");
        let second = member.next().await.expect("a message");
        drop(member); // dies with the second in its hands
        let mut member = join(bus, "a");
        let mut again = member.next().await.expect("a message");
        // The broker may have missed that the first is done: at least once, never less.
        if told_apart(&again) == told_apart(&first) {
            member.done().await.expect("done");
            again = member.next().await.expect("a message");
        }
        assert_eq!(told_apart(&again), told_apart(&second));
        member.done().await.expect("done");
        let third = member.next().await.expect("a message");
        assert_eq!(told_apart(&third).1, 3);
        member.done().await.expect("done");
    };
    let both = async { tokio::join!(taking, publish_all(bus, &all)) };
    tokio::time::timeout(LONG, both).await.expect("in time");
}

async fn what_is_done_does_not_come_again(tested: Tested) {
    let bus = tested.bus.as_ref();
    let mut member = join(bus, "a");
    let one = messages(1, 1);
    let taking = async {
        member.next().await.expect("a message");
        member.done().await.expect("done");
    };
    tokio::join!(taking, publish_all(bus, &one));
    drop(member);
    let mut member = join(bus, "a");
    // Of the same key: what comes first says that the group has its part, and where it is in it.
    let second = [message(0, 2)];
    let taking = async {
        let came = member.next().await.expect("a message");
        member.done().await.expect("done");
        came
    };
    let both = async { tokio::join!(taking, publish_all(bus, &second)) };
    let (came, ()) = tokio::time::timeout(LONG, both).await.expect("in time");
    assert_eq!(told_apart(&came).1, 2, "the first is done");
}

async fn topics_do_not_mix(tested: Tested) {
    let bus = tested.bus.as_ref();
    let mut member = bus
        .subscribe(Group("a"), Topic::Notifications)
        .expect("a group");
    let mut all = messages(1, 1);
    all.push(Message {
        topic: Topic::Notifications,
        ..all[0].clone()
    });
    let taking = async {
        let received = member.next().await.expect("a message");
        assert_eq!(received.topic, Topic::Notifications);
        member.done().await.expect("done");
        let nothing = tokio::time::timeout(Duration::from_millis(500), member.next()).await;
        assert!(nothing.is_err(), "{nothing:?}");
    };
    let both = async { tokio::join!(taking, publish_all(bus, &all)) };
    tokio::time::timeout(LONG, both).await.expect("in time");
}

async fn nothing_is_published_of_nothing(tested: Tested) {
    assert_eq!(tested.bus.publish(&[]).await, Vec::<Receipt>::new());
}
