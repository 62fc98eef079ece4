-- One past inquiry per number from 1 to $1, nine of ten answered; each database has its part, which
-- begins at its name. Ids are UUIDv7, as the desk makes them, so that they lie as they would.

-- intake
INSERT INTO contacts (id, name, created_at)
SELECT bench_id('contact', n), 'Erika Muster', bench_at(n, $1) FROM generate_series(1, $1) n;
INSERT INTO identities (channel, key, contact_id, name, created_at)
SELECT bench_channel(n), 'id:old-' || n, bench_id('contact', n), 'Erika Muster', bench_at(n, $1)
FROM generate_series(1, $1) n;
INSERT INTO conversations (id, channel, thread, contact_id, open_inquiry_id, created_at)
SELECT bench_id('conversation', n), bench_channel(n), 'old-' || n, bench_id('contact', n),
  CASE WHEN n % 10 = 0 THEN bench_id('inquiry', n) END, bench_at(n, $1)
FROM generate_series(1, $1) n;
INSERT INTO messages (id, conversation_id, inquiry_id, contact_id, channel, external_id, kind,
  opened, author_name, text, received_at)
SELECT bench_id('message', n), bench_id('conversation', n), bench_id('inquiry', n),
  bench_id('contact', n), bench_channel(n), 'old-' || n, 'inbound', true, 'Erika Muster',
  repeat('Wann öffnet die Anmeldung? ', 15), bench_at(n, $1)
FROM generate_series(1, $1) n;
INSERT INTO inquiries (id, conversation_id, contact_id, channel, state, excerpt, received_at,
  answered_at, todo_id, desk)
SELECT bench_id('inquiry', n), bench_id('conversation', n), bench_id('contact', n),
  bench_channel(n), CASE WHEN n % 10 = 0 THEN 'open' ELSE 'answered' END,
  repeat('Wann öffnet die Anmeldung? ', 7), bench_at(n, $1),
  CASE WHEN n % 10 > 0 THEN bench_at(n, $1) + interval '2 hours' END,
  bench_id('todo', n), bench_desk(n)
FROM generate_series(1, $1) n;
INSERT INTO inquiry_hashtags (inquiry_id, tag, year, received_at)
SELECT bench_id('inquiry', n), 'iico', 2013, bench_at(n, $1)
FROM generate_series(1, $1) n WHERE n % 20 = 0;

-- router
INSERT INTO todos (id, inquiry_id, conversation_id, channel, desk, state, first_desk, kind,
  confidence, reasons, received_at, created_at, due_at, ended_at, message_count, latest_message_id)
SELECT bench_id('todo', n), bench_id('inquiry', n), bench_id('conversation', n), bench_channel(n),
  bench_desk(n), CASE WHEN n % 10 = 0 THEN 'open' ELSE 'done' END, bench_desk(n), 'general', 0.8,
  '[]', bench_at(n, $1), bench_at(n, $1), bench_at(n, $1) + interval '1 day',
  CASE WHEN n % 10 > 0 THEN bench_at(n, $1) + interval '2 hours' END, 1, bench_id('message', n)
FROM generate_series(1, $1) n;
INSERT INTO todo_messages (inquiry_id, message_id, received_at, content)
SELECT bench_id('inquiry', n), bench_id('message', n), bench_at(n, $1),
  jsonb_build_object('text', repeat('Wann öffnet die Anmeldung? ', 15))
FROM generate_series(1, $1) n;
INSERT INTO deadlines (inquiry_id, state, target, due_at, told_at)
SELECT bench_id('inquiry', n), CASE WHEN n % 10 = 0 THEN 'breached' ELSE 'met' END, 'first_answer',
  bench_at(n, $1) + interval '1 day', bench_at(n, $1)
FROM generate_series(1, $1) n;

-- sla
INSERT INTO deadlines (inquiry_id, conversation_id, state, channel, desk, contact_id, edition,
  promise, target, received_at, received_week, due_at, breached_at, answered_at,
  answer_business_seconds, answer_wall_seconds)
SELECT bench_id('inquiry', n), bench_id('conversation', n),
  CASE WHEN n % 10 = 0 THEN 'breached' ELSE 'met' END, bench_channel(n), bench_desk(n),
  bench_id('contact', n), 'bench', 'bench', 'first_answer', bench_at(n, $1),
  to_char(bench_at(n, $1), 'IYYY-"W"IW'), bench_at(n, $1) + interval '1 day',
  CASE WHEN n % 10 = 0 THEN bench_at(n, $1) + interval '1 day' END,
  CASE WHEN n % 10 > 0 THEN bench_at(n, $1) + interval '2 hours' END,
  CASE WHEN n % 10 > 0 THEN 7200 END, CASE WHEN n % 10 > 0 THEN 7200 END
FROM generate_series(1, $1) n;
INSERT INTO clock_facts (inquiry_id, fact_id, kind, at, body)
SELECT bench_id('inquiry', n), bench_id('fact', n), 'answered', bench_at(n, $1), '{}'
FROM generate_series(1, $1) n WHERE n % 10 > 0;

-- each
INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, traceparent, occurred_at,
  published_at)
SELECT bench_id('event', n), 'inquiries', bench_id('conversation', n)::text, 'inquiry.received',
  '{}', '', bench_at(n, $1), bench_at(n, $1)
FROM generate_series(1, $1) n;
INSERT INTO inbox (consumer, event_id, handled_at)
SELECT 'bench', bench_id('event', n), bench_at(n, $1) FROM generate_series(1, $1) n;
